"""Measurements that anyone can repeat: python -m bench live, python -m bench cpu."""
