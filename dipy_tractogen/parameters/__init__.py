"""Parameters of models, of their parts and of trainings; see `utils.parameters`."""
