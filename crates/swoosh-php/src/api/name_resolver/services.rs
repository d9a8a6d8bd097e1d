//! Registries of services: Redis (a set of `IP:PORT` for each service), Consul and Nacos, by their HTTP interfaces.

use super::cluster::DEFAULT_WEIGHT;
use super::registry::{BASE_URL, INFO, PREFIX, check_answer, prepare, refuse};
use crate::api::functions::http::fetch;
use crate::coroutine::cluster::{CLUSTER, Cluster};
use crate::coroutine::wait::run_in_coroutine;
use swoosh_zend::{
    Array, Call, Class, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Zval, call_function,
};

static REDIS: ClassSlot = ClassSlot::new();
static CONSUL: ClassSlot = ClassSlot::new();
static NACOS: ClassSlot = ClassSlot::new();

const JOIN: &str = "join(string $name, string $ip, int $port, array $options = []): bool";
const LEAVE: &str = "leave(string $name, string $ip, int $port): bool";
const GET_CLUSTER: &str = "getCluster(string $name): ?Swoole\\NameResolver\\Cluster";

/// Registers them.
pub(super) fn register(resolver: Class) {
    ClassBuilder::new("Swoole\\NameResolver\\Redis")
        .extends(resolver)
        .method("__construct(string $url, string $prefix = 'swoole:service:')", |call: &mut Call<'_>| {
            prepare(call, "swoole:service:")
        })
        .method(JOIN, |call: &mut Call<'_>| redis_change(call, "sAdd"))
        .method(LEAVE, |call: &mut Call<'_>| redis_change(call, "sRem"))
        .method(GET_CLUSTER, redis_cluster)
        .method("protected connect()", |call: &mut Call<'_>| match call.this() {
            Some(this) => connect(this).map(|redis| OrFalse(Some(redis))),
            None => Ok(OrFalse(None)),
        })
        .register(&REDIS);
    ClassBuilder::new("Swoole\\NameResolver\\Consul")
        .extends(resolver)
        .method(JOIN, consul_join)
        .method(LEAVE, |call: &mut Call<'_>| consul_change(call, "deregister", ""))
        .method("enableMaintenanceMode(string $name, string $ip, int $port): bool", |call: &mut Call<'_>| {
            consul_change(call, "maintenance", "?enable=true")
        })
        .method(GET_CLUSTER, consul_cluster)
        .register(&CONSUL);
    ClassBuilder::new("Swoole\\NameResolver\\Nacos")
        .extends(resolver)
        .method(JOIN, |call: &mut Call<'_>| nacos_change(call, "POST"))
        .method(LEAVE, |call: &mut Call<'_>| nacos_change(call, "DELETE"))
        .method(GET_CLUSTER, nacos_cluster)
        .register(&NACOS);
}

/// A service: with the prefix that all have.
fn service(call: &Call<'_>) -> PhpResult<String> {
    let prefix = call.this().map_or_else(Zval::null, |this| this.slot(PREFIX).clone());
    let prefix = prefix.to_zstr().map(|prefix| prefix.to_text().into_owned()).unwrap_or_default();
    Ok(prefix + &call.text(0)?)
}

/// A cluster of (address, port, weight); invalid nodes are skipped. `None` if it is empty.
fn cluster_of(nodes: Vec<(String, i64, i64)>) -> PhpResult<Option<Object>> {
    let object = Object::new(CLUSTER.get())?;
    let Some(cluster) = object.payload::<Cluster>() else { return Ok(None) };
    for (host, port, weight) in nodes {
        if let Err(why) = cluster.add(&host, port, weight) {
            swoosh::log::warn!("skipping a node of a registry, whose entry is to be corrected: {why}");
        }
    }
    Ok((cluster.count() > 0).then(|| object.clone()))
}

fn php(name: &str, args: &mut [Zval]) -> PhpResult<Zval> {
    call_function(name, args)?.ok_or_else(|| refuse(&format!("PHP function {name} does not exist")))
}

fn text_in(array: &Array, name: &str) -> String {
    array.get(name).and_then(Zval::to_zstr).map(|text| text.to_text().into_owned()).unwrap_or_default()
}

// ---- Redis ----

/// A connection of ext/redis.
fn connect(this: &Object) -> PhpResult<Object> {
    let Some(class) = Class::named("Redis") else {
        return Err(refuse("a Redis registry requires the PHP extension redis"));
    };
    let info = this.slot(INFO).array().cloned().unwrap_or_default();
    let redis = Object::new(class)?;
    redis.construct(&mut [])?;
    let port = info.get("port").map_or(6379, Zval::to_int);
    redis.call_method("connect", &mut [text_in(&info, "host").into_zval(), port.into_zval()])?;
    if let Some(password) = info.get("pass") {
        redis.call_method("auth", &mut [password.clone()])?;
    }
    if let Ok(database) = text_in(&info, "path").trim_start_matches('/').parse::<i64>() {
        redis.call_method("select", &mut [database.into_zval()])?;
    }
    Ok(redis)
}

/// A connection for this call.
fn redis_of(call: &Call<'_>) -> PhpResult<Object> {
    let this = call.this().ok_or_else(|| refuse("no object"))?;
    connect(this)
}

fn redis_change(call: &mut Call<'_>, command: &str) -> PhpResult<bool> {
    let (service, node) = (service(call)?, format!("{}:{}", call.text(1)?, call.int(2)?));
    let redis = redis_of(call)?;
    Ok(redis.call_method(command, &mut [service.into_zval(), node.into_zval()])?.int().is_some())
}

fn redis_cluster(call: &mut Call<'_>) -> PhpResult<Option<Object>> {
    let service = service(call)?;
    let redis = redis_of(call)?;
    let members = redis.call_method("sMembers", &mut [service.into_zval()])?;
    let mut nodes = Vec::new();
    for (_, member) in members.array().into_iter().flatten() {
        let member = member.bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        if let Some((ip, port)) = member.rsplit_once(':') {
            nodes.push((ip.to_owned(), port.parse().unwrap_or(0), DEFAULT_WEIGHT));
        }
    }
    cluster_of(nodes)
}

// ---- by HTTP ----

/// Asks a registry; its answer, which must be a success.
fn http(call: &Call<'_>, method: &str, target: &str, data: Zval) -> PhpResult<Zval> {
    let base = call.this().map_or_else(Zval::null, |this| this.slot(BASE_URL).clone());
    let url = base.to_zstr().map(|base| base.to_text().into_owned()).unwrap_or_default() + target;
    let method = method.to_owned();
    let answer = run_in_coroutine(move || fetch(url.as_bytes(), method.as_bytes(), data, &[]))?;
    check_answer(&answer)?;
    answer.call_method("getBody", &mut [])
}

fn decoded(body: Zval) -> PhpResult<Array> {
    let said = php("json_decode", &mut [body, true.into_zval()])?;
    said.array().cloned().ok_or_else(|| refuse("the registry's response is not JSON"))
}

fn escaped(text: &str) -> PhpResult<String> {
    let text = php("rawurlencode", &mut [text.into_zval()])?;
    Ok(text.bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned())
}

/// A service instance's id.
fn consul_id(call: &Call<'_>) -> PhpResult<String> {
    Ok(format!("{}_{}:{}", service(call)?, call.text(1)?, call.int(2)?))
}

fn consul_join(call: &mut Call<'_>) -> PhpResult<bool> {
    let options = if call.has(3) { call.array(3)?.clone() } else { Array::new() };
    let mut weights = Array::new();
    weights.insert("Passing", options.get("weight").map_or(DEFAULT_WEIGHT, Zval::to_int));
    weights.insert("Warning", 1);
    let mut wanted = Array::new();
    wanted.insert("ID", consul_id(call)?);
    wanted.insert("Name", service(call)?);
    wanted.insert("Address", call.text(1)?.into_owned());
    wanted.insert("Port", call.int(2)?);
    wanted.insert("EnableTagOverride", false);
    wanted.insert("Weights", weights);
    for (key, value) in options.iter() {
        if let swoosh_zend::Key::Name(name) = key
            && name.as_bytes() != b"weight"
        {
            wanted.insert(name.as_bytes(), value.clone());
        }
    }
    let body = php("json_encode", &mut [wanted.into_zval()])?;
    http(call, "PUT", "/v1/agent/service/register", body).map(|_| true)
}

fn consul_change(call: &mut Call<'_>, what: &str, query: &str) -> PhpResult<bool> {
    let id = escaped(&consul_id(call)?)?;
    http(call, "PUT", &format!("/v1/agent/service/{what}/{id}{query}"), Zval::null()).map(|_| true)
}

/// The instances whose checks pass.
fn consul_cluster(call: &mut Call<'_>) -> PhpResult<Option<Object>> {
    let service = escaped(&service(call)?)?;
    let said = decoded(http(call, "GET", &format!("/v1/health/service/{service}?passing=true"), Zval::null())?)?;
    let mut nodes = Vec::new();
    for (_, entry) in said.iter() {
        let part = |name| entry.array().and_then(|entry| entry.get(name)).and_then(Zval::array);
        let Some(service) = part("Service") else { continue };
        let address = Some(text_in(service, "Address")).filter(|address| !address.is_empty());
        let address = address.or_else(|| part("Node").map(|node| text_in(node, "Address"))).unwrap_or_default();
        let weights = service.get("Weights").and_then(Zval::array);
        let weight = weights.and_then(|weights| weights.get("Passing")).map_or(DEFAULT_WEIGHT, Zval::to_int);
        nodes.push((address, service.get("Port").map_or(0, Zval::to_int), weight));
    }
    cluster_of(nodes)
}

fn nacos_change(call: &mut Call<'_>, method: &str) -> PhpResult<bool> {
    let mut query = Array::new();
    query.insert("ip", call.text(1)?.into_owned());
    query.insert("port", call.int(2)?);
    query.insert("serviceName", service(call)?);
    if call.has(3) {
        for (key, value) in call.array(3)? {
            if let swoosh_zend::Key::Name(name) = key {
                query.insert(name.as_bytes(), value.clone());
            }
        }
    }
    let query = php("http_build_query", &mut [query.into_zval()])?;
    let query = query.bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    http(call, method, &format!("/nacos/v1/ns/instance?{query}"), Zval::null()).map(|_| true)
}

/// The instances that are healthy and enabled.
fn nacos_cluster(call: &mut Call<'_>) -> PhpResult<Option<Object>> {
    let service = escaped(&service(call)?)?;
    let target = format!("/nacos/v1/ns/instance/list?serviceName={service}&healthyOnly=true");
    let said = decoded(http(call, "GET", &target, Zval::null())?)?;
    let hosts = said.get("hosts").and_then(Zval::array);
    let mut nodes = Vec::new();
    for host in hosts.into_iter().flatten().filter_map(|(_, host)| host.array()) {
        let on = |name| host.get(name).is_none_or(Zval::to_bool);
        if on("healthy") && on("enabled") {
            // Nacos weights are fractions, 1.0 by default.
            let weight = host.get("weight").map_or(1.0, Zval::to_float) * DEFAULT_WEIGHT as f64;
            nodes.push((text_in(host, "ip"), host.get("port").map_or(0, Zval::to_int), weight as i64));
        }
    }
    cluster_of(nodes)
}
