//! windlass-codegen
