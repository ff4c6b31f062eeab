"""What a search reaches: efficiencies, yields, background and exposure of each period put together to limits."""
