"""What customers and employees are told, and how."""
