"""Magnetic fields: uniform, soft-edged, from field maps; the files of field maps; the transport of tracks through them."""
