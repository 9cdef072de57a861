"""Values of points, such as FA along the streamlines: read, sampled, joined."""
