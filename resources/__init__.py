"""Sites, floors, rooms and their bookings (nothing here yet)."""
