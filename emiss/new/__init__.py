"""``emiss new``: first files of a user, commented, and the JSON schemas that editors complete and check them with."""
