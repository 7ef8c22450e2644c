"""Bytes from elsewhere: requested again while that may help, continued where they ended, and checked."""
