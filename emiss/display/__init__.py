"""The page of `emiss look`: events of run files and tables, listed, searched, drawn in their set-up."""
