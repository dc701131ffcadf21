"""Access that people grant by OAuth: our registration at each provider, the consent, and the tokens."""
