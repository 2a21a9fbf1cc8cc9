use super::*;
pub(super) fn project(_registration: &Registration, _facts: &[Fact]) -> State {
    todo!()
}
