mod attacks;
mod fixtures;
mod vectors;
