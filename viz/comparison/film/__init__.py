"""One text over the course of fine-tuning: what each kept step of a training made of it."""
