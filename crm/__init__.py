"""What employees do beside what is sold: their meetings."""
