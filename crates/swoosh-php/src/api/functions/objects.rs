//! A look into PHP's store of objects.

use swoosh_zend::module::Functions;
use swoosh_zend::{Array, Call, Object, OrFalse, PhpResult, runtime};

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_get_objects(): array|false", objects)
        .add("swoole_get_object_by_handle(int $handle): object|false", by_handle)
        .add("swoole_get_vm_status(): array", vm_status);
}

/// Every living object.
fn objects(_: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let living: Vec<Object> =
        (1..runtime::object_handles()).filter_map(|handle| runtime::object_by_handle(u64::from(handle))).collect();
    Ok(OrFalse((!living.is_empty()).then(|| living.into_iter().collect())))
}

fn by_handle(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    Ok(OrFalse(u64::try_from(call.int(0)?).ok().and_then(runtime::object_by_handle)))
}

fn vm_status(_: &mut Call<'_>) -> PhpResult<Array> {
    let mut status = Array::new();
    status.insert("object_num", runtime::count_objects());
    status.insert("resource_num", runtime::count_resources());
    Ok(status)
}
