/* One case: C and compiled code call each other with one signature. Included once per case, with
 *
 *   CASE          its name
 *   PARAMS(P)     P(index, type) for each parameter after `vmctx`
 *   FIELDS(F)     F(index, type, offset) for each result, at the offset that `compute_out_area` says
 *   OUT_SIZE, OUT_ALIGN   of the out area, as it says
 *   RESULTS       how many results: with fewer than two, the function returns C's way
 *   RESULT_TYPE   what the function returns
 *
 * and with TWIN defined only the compiled callee is there, to be wrong.
 *
 * Compiled are `clif_produce_CASE`, a callee; `clif_consume_…`, callers; `clif_relay_…`, both. */

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(prefix) PASTE(prefix, CASE)
#define STRING_(a) #a
#define STRING(a) STRING_(a)

/* The judge of the layout is C. */

#define DECLARE_FIELD(n, type, at) type r##n;
struct NAME(out_) {
    FIELDS(DECLARE_FIELD)
};

#define ASSERT_OFFSET(n, type, at) \
    _Static_assert(offsetof(struct NAME(out_), r##n) == at, "offset of result " #n);
FIELDS(ASSERT_OFFSET)
#if RESULTS > 1
_Static_assert(sizeof(struct NAME(out_)) == OUT_SIZE, "size of the out area");
_Static_assert(_Alignof(struct NAME(out_)) == OUT_ALIGN, "alignment of the out area");
#endif

/* Zero, one, or more results. */

#if RESULTS > 1
#define OUT_PARAM struct NAME(out_) *out,
#define CALL(function, out) function(out, &context PARAMS(LOCAL))
#define RETURN
#elif RESULTS == 1
#define OUT_PARAM
#define CALL(function, out) (out)->r0 = function(&context PARAMS(LOCAL))
#define RETURN return out->r0
#else
#define OUT_PARAM
#define CALL(function, out) function(&context PARAMS(LOCAL))
#define RETURN
#endif

#define DECLARE_PARAM(n, type) , type p##n
#define LOCAL(n, type) , p##n
#define FUNCTION(name) RESULT_TYPE name(OUT_PARAM struct vmctx *vmctx PARAMS(DECLARE_PARAM))
#define DECLARE(prefix) FUNCTION(NAME(prefix));

DECLARE(clif_produce_)
DECLARE(clif_relay_symbol_)
DECLARE(clif_relay_address_)
DECLARE(clif_relay_pointer_)
void NAME(clif_consume_symbol_)(struct vmctx *vmctx);
void NAME(clif_consume_address_)(struct vmctx *vmctx);
void NAME(clif_consume_pointer_)(struct vmctx *vmctx);

/* C's own callee, which leaves nothing of the struct as it was. */

#define SEE(n, type) memcpy(vmctx->seen[n], &p##n, sizeof p##n);
#define SET_FIELD(n, type, at) memcpy(&out->r##n, vmctx->results[n], sizeof out->r##n);

FUNCTION(NAME(c_produce_))
{
#if RESULTS < 2
    struct NAME(out_) local, *out = &local;
#endif
    vmctx->calls += 1;
    PARAMS(SEE)
    memset(out, GARBAGE, sizeof *out);
    FIELDS(SET_FIELD)
    RETURN;
}

/* A call from C: arguments arrive, every field is written, and no other byte. */

#define ARGUMENT(n, type)                       \
    type p##n;                                  \
    memcpy(&p##n, context.args[n], sizeof p##n);
#define EXPECT_SEEN(n, type) expect(context.seen[n], context.args[n], sizeof(type), "argument", n);
#define EXPECT_FIELD(n, type, at) memcpy(&want->r##n, context.results[n], sizeof want->r##n);

static void NAME(check_callee_)(FUNCTION((*callee)), const char *what)
{
    where = what;
    for (enum place place = START; place <= END; place++) {
        reset();
        context.callee = (void (*)(void))NAME(c_produce_);
        memset(guarded, UNTOUCHED, guarded_size);
        struct NAME(out_) *out = guard_place(place, sizeof *out);
        PARAMS(ARGUMENT)
        CALL(callee, out);

        expect_calls();
        PARAMS(EXPECT_SEEN)
        memset(expected, UNTOUCHED, guarded_size);
        struct NAME(out_) *want = (void *)(expected + ((uint8_t *)out - guarded));
        (void)want;
        FIELDS(EXPECT_FIELD)
        expect(guarded, expected, guarded_size, "memory", place);
    }
}

/* A call from compiled code: arguments arrive, and so does every result. */

#define EXPECT_GOT(n, type, at) \
    expect(context.got[n], context.results[n], sizeof(type), "result", n);

__attribute__((unused)) static void
NAME(check_caller_)(void (*caller)(struct vmctx *), FUNCTION((*callee)),
                    const char *what)
{
    where = what;
    reset();
    context.callee = (void (*)(void))callee;
    caller(&context);
    expect_calls();
    PARAMS(EXPECT_SEEN)
    FIELDS(EXPECT_GOT)
}

static void NAME(check_)(void)
{
    case_name = STRING(CASE);
#define CHECK_CALLEE(name) NAME(check_callee_)(NAME(name), #name)
#define CHECK_CALLER(name, callee) \
    NAME(check_caller_)(NAME(name), NAME(callee), #name " of " #callee)
    CHECK_CALLEE(clif_produce_);
#ifndef TWIN
    CHECK_CALLEE(clif_relay_symbol_);
    CHECK_CALLEE(clif_relay_address_);
    CHECK_CALLEE(clif_relay_pointer_);
    CHECK_CALLER(clif_consume_symbol_, c_produce_);
    CHECK_CALLER(clif_consume_address_, c_produce_);
    CHECK_CALLER(clif_consume_pointer_, c_produce_);
    CHECK_CALLER(clif_consume_pointer_, clif_produce_);
    CHECK_CALLER(clif_consume_pointer_, clif_relay_symbol_);
#endif
}

#undef PASTE_
#undef PASTE
#undef NAME
#undef STRING_
#undef STRING
#undef DECLARE_FIELD
#undef ASSERT_OFFSET
#undef OUT_PARAM
#undef CALL
#undef RETURN
#undef DECLARE_PARAM
#undef LOCAL
#undef FUNCTION
#undef DECLARE
#undef SEE
#undef SET_FIELD
#undef ARGUMENT
#undef EXPECT_SEEN
#undef EXPECT_FIELD
#undef EXPECT_GOT
#undef CHECK_CALLEE
#undef CHECK_CALLER
#undef CASE
#undef PARAMS
#undef FIELDS
#undef OUT_SIZE
#undef OUT_ALIGN
#undef RESULTS
#undef RESULT_TYPE
