"""Orderlines: a product pumped at a workshop's meter, and the one line on a case that it must become. Pure."""
