"""What makes a new particle in a target, and what becomes of it: processes, models made of them, and their registry."""
