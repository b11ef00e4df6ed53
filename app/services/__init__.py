"""What the product does; the only place that joins the layers below."""
