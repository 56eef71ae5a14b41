"""From settings to a saved model; the only room that imports TensorFlow."""
