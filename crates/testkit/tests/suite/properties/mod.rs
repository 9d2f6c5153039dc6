//! What random sequences of operations may never break, and what they are answered.

mod differential;
mod members;
mod sound;
