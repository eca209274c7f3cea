/* The compiler's part of the undo log (see ../undo.S): a plugin of GCC that puts, before every
 * store to memory that is not the function's own frame, a call that notes the old content there.
 * The frame is not noted, since the whole stack is set back in one piece.
 *
 * The pass runs after all others on GIMPLE, when stores that can be optimised away are gone. The
 * call is an asm statement that reads the place about to be written, so that neither may be moved
 * past the other, and that spoils only rax, rdi and the flags. Stores to neighbouring quadwords that
 * follow each other share a note. (GCC internals manual, chapters "GIMPLE" and "Plugins".) */
#include "gcc-plugin.h"
#include "plugin-version.h"
#include "tree.h"
#include "gimple.h"
#include "gimple-iterator.h"
#include "tree-pass.h"
#include "context.h"
#include "ssa.h"
#include "bitmap.h"
#include "tree-into-ssa.h"
#include "gimple-expr.h"
#include "gimplify.h"
#include "diagnostic-core.h"
#include "builtins.h"
#include "attribs.h"
#include "tree-dfa.h"

int plugin_is_GPL_compatible;

namespace {

const pass_data undo_data = { GIMPLE_PASS, "undo", OPTGROUP_NONE, TV_NONE, PROP_ssa | PROP_cfg, 0, 0, 0, TODO_update_ssa_only_virtuals };

/* The variables in the function's own frame, as the compiler's points-to sets number them. */
void list_frame(function *f, bitmap frame)
{
    unsigned i;
    tree variable;
    FOR_EACH_LOCAL_DECL(f, i, variable)
        if (!is_global_var(variable))
            bitmap_set_bit(frame, DECL_PT_UID(variable));
}

/* Whether the compiler has proved that a pointer points to nothing but these. */
bool points_into(tree pointer, bitmap frame)
{
    const ptr_info_def *known = TREE_CODE(pointer) == SSA_NAME ? SSA_NAME_PTR_INFO(pointer) : NULL;
    if (!known || !known->pt.vars)
        return false;
    const pt_solution &pt = known->pt;
    return !pt.anything && !pt.nonlocal && !pt.escaped && !pt.ipa_escaped && !bitmap_intersect_compl_p(pt.vars, frame);
}

/* Whether a place is in the function's own frame, or in a register. */
bool in_frame(tree place, bitmap frame)
{
    tree base = get_base_address(place);
    if (!base || TREE_CODE(base) == SSA_NAME || (DECL_P(base) && !is_global_var(base)))
        return true;
    return (TREE_CODE(base) == MEM_REF || TREE_CODE(base) == TARGET_MEM_REF) && points_into(TREE_OPERAND(base, 0), frame);
}

tree operand(const char *constraint, tree value)
{
    return build_tree_list(build_tree_list(NULL_TREE, build_string(strlen(constraint) + 1, constraint)), value);
}

void insert_asm(gimple_stmt_iterator *at, const char *text, vec<tree, va_gc> *inputs)
{
    vec<tree, va_gc> *clobbers = NULL;
    for (const char *name : { "rax", "rdi", "cc" })
        vec_safe_push(clobbers, build_tree_list(NULL_TREE, build_string(strlen(name) + 1, name)));
    gasm *note = gimple_build_asm_vec(text, inputs, NULL, clobbers, NULL);
    gimple_asm_set_volatile(note, true);
    gimple_set_location(note, gimple_location(gsi_stmt(*at)));
    gsi_insert_before(at, note, GSI_SAME_STMT);
}

/* A store to a bit-field writes the words that the field lies in. */
tree whole_words(tree place)
{
    while (TREE_CODE(place) == COMPONENT_REF && DECL_BIT_FIELD_TYPE(TREE_OPERAND(place, 1))) {
        tree words = DECL_BIT_FIELD_REPRESENTATIVE(TREE_OPERAND(place, 1));
        place = build3(COMPONENT_REF, TREE_TYPE(words), TREE_OPERAND(place, 0), words, TREE_OPERAND(place, 2));
    }
    return unshare_expr(place);
}

/* Whether a type is a structure that is declared to be on the stack of the running thread (ON_STACK in
 * service.h), or an array of such. */
bool type_on_stack(tree type)
{
    return lookup_attribute("on_stack", TYPE_ATTRIBUTES(TYPE_MAIN_VARIANT(strip_array_types(type))));
}

/* Whether a store goes to such a structure: it is not noted. */
bool on_stack(tree place)
{
    while (handled_component_p(place) && TREE_CODE(TREE_OPERAND(place, 0)) != MEM_REF)
        place = TREE_OPERAND(place, 0);
    tree base = handled_component_p(place) ? TREE_OPERAND(place, 0) : place;
    return TREE_CODE(base) == MEM_REF && type_on_stack(TREE_TYPE(base));
}

/* A piece of memory, from the first to the last quadword that a store touches: `bytes` bytes behind
 * what `base` points to (a pointer), or behind its beginning (a variable). base is NULL if nothing is
 * known of the place, or not that the piece begins on a quadword's boundary. */
struct piece {
    tree base;
    HOST_WIDE_INT offset, bytes;
};

piece piece_of(tree place)
{
    poly_int64 offset = 0;
    unsigned HOST_WIDE_INT bit;
    unsigned int align;
    HOST_WIDE_INT size = int_size_in_bytes(TREE_TYPE(place));
    tree base = get_addr_base_and_unit_offset(place, &offset);
    piece p = { NULL_TREE, 0, size };
    if (!base)
        return p;
    if (TREE_CODE(base) == MEM_REF) {
        offset += mem_ref_offset(base).force_shwi();
        base = TREE_OPERAND(base, 0);
    }
    if (TREE_CODE(base) != SSA_NAME && TREE_CODE(base) != ADDR_EXPR && !DECL_P(base))
        return p;
    p.offset = offset.to_constant();
    get_object_alignment_1(place, &align, &bit);
    if (align < 64 || bit % BITS_PER_UNIT)
        return p;
    HOST_WIDE_INT into = bit / BITS_PER_UNIT % 8;
    p.base = base;
    p.offset -= into;
    p.bytes = (into + size + 7) & -8;
    return p;
}

tree words_of(const piece &p)
{
    tree word = build_nonstandard_integer_type(64, 1);
    tree pointer = DECL_P(p.base) ? build_fold_addr_expr(p.base) : p.base;
    return build2(MEM_REF, p.bytes == 8 ? word : build_array_type_nelts(word, p.bytes / 8), pointer, build_int_cst(ptr_type_node, p.offset));
}

void note_words(gimple_stmt_iterator *at, const piece &p)
{
    char text[64];
    if (p.bytes == 8)
        strcpy(text, "lea\t%0, %%rdi\n\tcall\tundo_note");
    else
        sprintf(text, "lea\t%%0, %%%%rdi\n\tcall\tundo_note_%ld", (long)p.bytes / 8);
    vec<tree, va_gc> *inputs = NULL;
    vec_safe_push(inputs, operand("m", words_of(p)));
    insert_asm(at, text, inputs);
}

/* Inserts the note before a store to `place`, of which no more is known than its size. */
void note_place(gimple_stmt_iterator *at, tree place)
{
    HOST_WIDE_INT size = int_size_in_bytes(TREE_TYPE(place));
    if (size <= 0 || size > 4096) {
        error_at(gimple_location(gsi_stmt(*at)), "a store of %ld bytes cannot be undone: use memcpy or memset", (long)size);
        return;
    }
    char text[96];
    if (size == 8)
        strcpy(text, "lea\t%0, %%rdi\n\tcall\tundo_note");
    else if ((size == 1 || size == 2 || size == 4) && get_object_alignment(place) >= size * BITS_PER_UNIT)
        strcpy(text, "lea\t%0, %%rdi\n\tcall\tundo_note_part");
    else
        sprintf(text, "lea\t%%0, %%%%rdi\n\tmov\t$%ld, %%%%eax\n\tcall\tundo_note_range", (long)size);
    vec<tree, va_gc> *inputs = NULL;
    vec_safe_push(inputs, operand("m", place));
    insert_asm(at, text, inputs);
}

/* The stores of a basic block that one note serves: they follow each other, with neither a call nor
 * another note in between (which might commit), and touch quadwords side by side. */
struct run {
    piece p = { NULL_TREE, 0, 0 };
    gimple_stmt_iterator first; /* the first of them: the note goes before it */

    /* Whether p joins the run. */
    bool takes(const piece &other)
    {
        if (!p.base || other.base != p.base)
            return false;
        HOST_WIDE_INT from = MIN(p.offset, other.offset), to = MAX(p.offset + p.bytes, other.offset + other.bytes);
        if (to - from > WORDS_MAX * 8 || to - from > p.bytes + other.bytes)
            return false;
        p.offset = from;
        p.bytes = to - from;
        return true;
    }
    void end()
    {
        if (p.base)
            note_words(&first, p);
        p.base = NULL_TREE;
    }
    enum { WORDS_MAX = 8 }; /* undo.S has a routine for each number of words up to it */
};

/* The result of a function goes to the frame first, since the function may commit: the store to
 * memory follows the call, and is noted then. `at` becomes that store. */
void store_behind(gimple_stmt_iterator *at, gimple *s, tree to)
{
    tree result = create_tmp_var(TREE_TYPE(to), "result");
    gimple_call_set_lhs(s, result);
    update_stmt(s);
    gimple *store = gimple_build_assign(to, result);
    gimple_set_location(store, gimple_location(s));
    gsi_insert_after(at, store, GSI_NEW_STMT);
    mark_virtual_operands_for_renaming(cfun);
}

struct undo_pass : gimple_opt_pass {
    undo_pass(gcc::context *context) : gimple_opt_pass(undo_data, context) {}

    void store(run *r, gimple_stmt_iterator *at, tree to)
    {
        piece p = piece_of(to);
        if (r->takes(p))
            return;
        r->end();
        if (p.base && p.bytes <= run::WORDS_MAX * 8) {
            r->p = p;
            r->first = *at;
        } else {
            note_place(at, to);
        }
    }

    unsigned execute(function *f) final override
    {
        basic_block block;
        auto_bitmap frame;
        list_frame(f, frame);
        FOR_EACH_BB_FN(block, f)
        {
            run r;
            for (gimple_stmt_iterator at = gsi_start_bb(block); !gsi_end_p(at); gsi_next(&at)) {
                gimple *s = gsi_stmt(at);
                tree to = gimple_clobber_p(s) ? NULL_TREE : gimple_get_lhs(s);
                if (is_gimple_call(s) || gimple_code(s) == GIMPLE_ASM)
                    r.end();
                if (!to || TREE_CODE(to) == SSA_NAME || !gimple_vdef(s) || in_frame(to, frame) || on_stack(to))
                    continue;
                if (is_gimple_call(s))
                    store_behind(&at, s, to);
                store(&r, &at, whole_words(to));
            }
            r.end();
        }
        return 0;
    }
};

attribute_spec stack_attribute = { "on_stack", 0, 0, false, true, false, false, NULL, NULL };

void attributes(void *, void *) { register_attribute(&stack_attribute); }

/* Refuses static variables of a type that is ON_STACK. */
void declared(void *decl, void *)
{
    tree d = (tree)decl;
    if (VAR_P(d) && TREE_STATIC(d) && type_on_stack(TREE_TYPE(d)))
        error_at(DECL_SOURCE_LOCATION(d), "a structure that is ON_STACK cannot be a static variable");
}

/* Refuses a structure that may be anywhere with a member that may not. */
void defined(void *type, void *)
{
    tree t = (tree)type;
    if (!RECORD_OR_UNION_TYPE_P(t) || type_on_stack(t))
        return;
    for (tree f = TYPE_FIELDS(t); f; f = DECL_CHAIN(f))
        if (TREE_CODE(f) == FIELD_DECL && type_on_stack(TREE_TYPE(f)))
            error_at(DECL_SOURCE_LOCATION(f), "a structure with a member that is ON_STACK must be so itself");
}

}

int plugin_init(plugin_name_args *info, plugin_gcc_version *version)
{
    if (!plugin_default_version_check(version, &gcc_version))
        return 1;
    register_pass_info pass = { new undo_pass(g), "optimized", 1, PASS_POS_INSERT_BEFORE };
    register_callback(info->base_name, PLUGIN_PASS_MANAGER_SETUP, NULL, &pass);
    register_callback(info->base_name, PLUGIN_ATTRIBUTES, attributes, NULL);
    register_callback(info->base_name, PLUGIN_FINISH_DECL, declared, NULL);
    register_callback(info->base_name, PLUGIN_FINISH_TYPE, defined, NULL);
    return 0;
}
