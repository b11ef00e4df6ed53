"""What the product does, over a real data folder."""
