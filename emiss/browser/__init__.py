"""Pages in the browser of the user: a server on this machine alone, which answers nobody who does not have its address."""
