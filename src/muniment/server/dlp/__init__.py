"""Data protection: what a tenant has its files searched for, what was found, and who released what was held back."""
