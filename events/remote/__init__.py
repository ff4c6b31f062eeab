"""Files behind http:// and https://: what they hold and how they are named."""
