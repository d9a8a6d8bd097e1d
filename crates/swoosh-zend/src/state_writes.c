/* Reports where static properties are written, for the search for state that requests leave behind. */

#include "wrapper.h"

static swoosh_write_seen seen;
static user_opcode_handler_t previous[256];

static const uint8_t WRITES[] = {
    ZEND_ASSIGN_STATIC_PROP, ZEND_ASSIGN_STATIC_PROP_OP, ZEND_ASSIGN_STATIC_PROP_REF, ZEND_PRE_INC_STATIC_PROP,
    ZEND_PRE_DEC_STATIC_PROP, ZEND_POST_INC_STATIC_PROP, ZEND_POST_DEC_STATIC_PROP, ZEND_FETCH_STATIC_PROP_W,
    ZEND_FETCH_STATIC_PROP_RW,
};

static int static_write(zend_execute_data *execute_data)
{
    const zend_op *opline = EX(opline);

    if (opline->op1_type == IS_CONST) {
        zval *name = RT_CONSTANT(opline, opline->op1);
        zend_string *file = EX(func)->op_array.filename;
        if (Z_TYPE_P(name) == IS_STRING && file != NULL) {
            seen(Z_STRVAL_P(name), Z_STRLEN_P(name), ZSTR_VAL(file), ZSTR_LEN(file), opline->lineno);
        }
    }
    return previous[opline->opcode] != NULL ? previous[opline->opcode](execute_data) : ZEND_USER_OPCODE_DISPATCH;
}

void swoosh_watch_static_writes(swoosh_write_seen callback)
{
    seen = callback;
    for (size_t n = 0; n < sizeof(WRITES); n++) {
        previous[WRITES[n]] = zend_get_user_opcode_handler(WRITES[n]);
        zend_set_user_opcode_handler(WRITES[n], static_write);
    }
}
