//! How many parameters a signature may have.

/// Calls a macro with a list of names for the parameters of each signature, from none to sixteen.
#[doc(hidden)]
#[macro_export]
macro_rules! each_arity {
    ($macro:ident) => {
        $macro! {
            []
            [A]
            [A B]
            [A B C]
            [A B C D]
            [A B C D E]
            [A B C D E F]
            [A B C D E F G]
            [A B C D E F G H]
            [A B C D E F G H I]
            [A B C D E F G H I J]
            [A B C D E F G H I J K]
            [A B C D E F G H I J K L]
            [A B C D E F G H I J K L M]
            [A B C D E F G H I J K L M N]
            [A B C D E F G H I J K L M N O]
            [A B C D E F G H I J K L M N O P]
        }
    };
}
