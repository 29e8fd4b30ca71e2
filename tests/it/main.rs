//! All integration tests, as one program: every further one would link everything again.

mod embedding;
mod llm;
mod weights;
