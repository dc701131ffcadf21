"""The shop: services, employees, customers, appointments, mails. Imports nothing of ours."""
