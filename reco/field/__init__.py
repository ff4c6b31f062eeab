"""Magnetic fields: uniform, soft-edged, from maps; their files, and the transport of tracks through them."""
