"""What a decoder leaves out of streamlines, and their exact length."""

from .texture import Texture

__all__ = ["Texture"]
