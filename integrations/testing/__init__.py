"""For authors of providers: the contract tests, a provider in memory, real local servers and a proxy that breaks things on purpose."""
