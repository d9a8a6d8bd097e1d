--TEST--
Functions that need no server work
--EXTENSIONS--
swoole
--FILE--
<?php
var_dump(swoole_version() === SWOOLE_VERSION, swoole_cpu_num() > 0, swoole_container_cpu_num() > 0);
var_dump(swoole_strerror(2), swoole_hashcode('abc') === swoole_hashcode('abc'), swoole_hashcode('abc', 9));
swoole_error_log_ex(SWOOLE_LOG_NONE, 1234, 'not written');
var_dump(swoole_last_error());
swoole_clear_error();
var_dump(swoole_last_error());
var_dump(swoole_substr_json_decode('xx{"a":[1]}yy', 2, 9, true));
var_dump(swoole_substr_unserialize('xx' . serialize(['k' => 1.5]), 2));
var_dump(swoole_substr_unserialize('abc', 9));
$o = new stdClass();
var_dump(swoole_get_object_by_handle(spl_object_id($o)) === $o, swoole_get_object_by_handle(9999));
var_dump(in_array($o, swoole_get_objects(), true), array_keys(swoole_get_vm_status()));
var_dump(is_array(swoole_get_local_ip()), is_array(swoole_get_local_mac()));
var_dump(swoole_set_process_name('a name'), cli_get_process_title());
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
string(25) "No such file or directory"
bool(true)
bool(false)
int(1234)
int(0)
array(1) {
  ["a"]=>
  array(1) {
    [0]=>
    int(1)
  }
}
array(1) {
  ["k"]=>
  float(1.5)
}
bool(false)
bool(true)
bool(false)
bool(true)
array(2) {
  [0]=>
  string(10) "object_num"
  [1]=>
  string(12) "resource_num"
}
bool(true)
bool(true)
bool(true)
string(6) "a name"
