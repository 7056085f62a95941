"""Text in, text out: engines that run models."""
