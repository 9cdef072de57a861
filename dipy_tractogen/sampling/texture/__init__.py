"""What a decoder leaves out of streamlines, and their exact length."""
