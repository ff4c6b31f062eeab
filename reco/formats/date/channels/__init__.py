"""The DAQ's channel maps: from XML files to the table that turns read-out channels into detector channels."""
