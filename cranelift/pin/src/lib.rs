//! Empty: only the manifest and its lock matter.
