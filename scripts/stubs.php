<?php
// Generates stubs/: declarations of everything that the extension offers, for editors and static analysis.
//
//     php -d extension=target/debug/libswoosh_php.so scripts/stubs.php            writes stubs/
//     php -d extension=target/debug/libswoosh_php.so scripts/stubs.php FOLDER     writes another folder
//
// Names, types and values come from the loaded extension by reflection, the library's classes too; settings from
// docs/SETTINGS.md; descriptions from scripts/stubs-docs.txt. Generate with PHP 8.2 and mysqli, as the test does.

$root = dirname(__DIR__);
$target = $argv[1] ?? "$root/stubs";
extension_loaded('swoole') || exit("load the extension: php -d extension=target/debug/libswoosh_php.so scripts/stubs.php\n");

/** Descriptions by the name of what they describe. */
final class Docs
{
    private array $texts = [];
    private array $used = [];

    public function __construct(string $file)
    {
        foreach (preg_split('~^# ~m', file_get_contents($file), -1, PREG_SPLIT_NO_EMPTY) as $entry) {
            [$names, $text] = explode("\n", $entry, 2);
            foreach (explode(', ', $names) as $name) {
                isset($this->texts[$name]) && throw new Exception("$name is described twice");
                $this->texts[$name] = trim($text);
            }
        }
    }

    /** The description of this name, or the comment in its own source, with further lines, as a comment. */
    public function comment(string $name, string $indent = '', string $more = '', string|false $source = false): string
    {
        $this->used[$name] = true;
        $own = trim(preg_replace('~^\h*/\*\*\h?|\h*\*/$|^\h*\*\h?~m', '', (string) $source));
        $text = trim(($this->texts[$name] ?? $own) . "\n\n$more");
        if ($text === '') {
            return '';
        }
        $lines = explode("\n", $text);
        if (count($lines) === 1) {
            return "$indent/** $lines[0] */\n";
        }
        return "$indent/**\n" . implode('', array_map(fn ($line) => rtrim("$indent * $line") . "\n", $lines)) . "$indent */\n";
    }

    /** Descriptions of things that do not exist. */
    public function unused(): array
    {
        return array_keys(array_diff_key($this->texts, $this->used));
    }
}

/** The settings of docs/SETTINGS.md by section, as a shape of arrays that editors complete. */
function settings(string $file, string ...$sections): string
{
    $types = ['int' => 'int', 'bool' => 'bool', 'string' => 'string', 'path' => 'string', 'function' => 'callable', 'seconds' => 'float', 'list of strings' => 'string[]', 'true, folder' => 'bool|string|string[]'];
    $shape = [];
    foreach (preg_split('~^## ~m', file_get_contents($file)) as $section) {
        if (!in_array(strtok($section, "\n"), $sections, true)) {
            continue;
        }
        preg_match_all('~^\| (`.*?`) \| (.*?) \| ~m', $section, $rows, PREG_SET_ORDER);
        foreach ($rows as [, $names, $kind]) {
            $type = 'mixed';
            foreach ($types as $start => $of) {
                if (preg_match("~^$start\\b~", $kind)) {
                    $type = $of;
                }
            }
            preg_match_all('~`(\w+)`~', $names, $found);
            foreach ($found[1] as $name) {
                $shape[] = "$name?: $type";
            }
        }
    }
    $shape || throw new Exception('no settings found in ' . implode(', ', $sections));
    return "array{\n    " . implode(",\n    ", $shape) . "\n}";
}

function value(mixed $value): string
{
    return match (true) {
        $value === null => 'null',
        is_array($value) => '[' . implode(', ', array_map(fn ($key, $item) => (array_is_list($value) ? '' : value($key) . ' => ') . value($item), array_keys($value), $value)) . ']',
        $value instanceof UnitEnum => '\\' . $value::class . '::' . $value->name,
        is_object($value) => 'new \\' . $value::class . '()',
        is_int($value) && $value === PHP_INT_MIN => 'PHP_INT_MIN',
        default => var_export($value, true),
    };
}

/** A type with class names from the root. */
function type(?ReflectionType $type): string
{
    if ($type instanceof ReflectionNamedType) {
        $name = $type->getName();
        $builtin = $type->isBuiltin() || in_array($name, ['self', 'static', 'parent'], true);
        $nullable = $type->allowsNull() && !in_array($name, ['null', 'mixed'], true);
        return ($nullable ? '?' : '') . ($builtin ? $name : "\\$name");
    }
    if ($type instanceof ReflectionUnionType || $type instanceof ReflectionIntersectionType) {
        $inner = array_map(fn ($part) => $part instanceof ReflectionIntersectionType ? '(' . type($part) . ')' : type($part), $type->getTypes());
        return implode($type instanceof ReflectionUnionType ? '|' : '&', $inner);
    }
    return '';
}

function parameters(ReflectionFunctionAbstract $function): string
{
    return implode(', ', array_map(function (ReflectionParameter $p): string {
        $text = ltrim(type($p->getType()) . ' ') . ($p->isPassedByReference() ? '&' : '') . ($p->isVariadic() ? '...' : '') . '$' . $p->getName();
        if ($p->isDefaultValueAvailable()) {
            $text .= ' = ' . ($p->isDefaultValueConstant() ? constant_name($p) : value($p->getDefaultValue()));
        } elseif ($p->isOptional() && !$p->isVariadic()) {
            $text .= ' = null';
        }
        return $text;
    }, $function->getParameters()));
}

function constant_name(ReflectionParameter $parameter): string
{
    $name = $parameter->getDefaultValueConstantName();
    return str_contains($name, '::') ? $name : '\\' . ltrim($name, '\\');
}

function result(ReflectionFunctionAbstract $function): string
{
    $type = type($function->getReturnType() ?? $function->getTentativeReturnType());
    return $type === '' ? '' : ": $type";
}

function modifiers(ReflectionMethod|ReflectionProperty|ReflectionClassConstant $member): string
{
    $words = Reflection::getModifierNames($member->getModifiers());
    if ($member->getDeclaringClass()->isInterface()) {
        $words = array_diff($words, ['abstract']);
    }
    return $words ? implode(' ', $words) . ' ' : '';
}

function class_stub(ReflectionClass $class, Docs $docs, array $more): string
{
    $kind = match (true) {
        $class->isInterface() => 'interface',
        $class->isTrait() => 'trait',
        default => ($class->isFinal() ? 'final ' : '') . ($class->isAbstract() ? 'abstract ' : '') . 'class',
    };
    $text = $docs->comment($class->name, source: $class->getDocComment()) . "$kind {$class->getShortName()}";
    $parent = $class->getParentClass();
    $text .= $parent ? " extends \\$parent->name" : '';
    // Interfaces that are not inherited.
    $inherited = array_merge($parent ? $parent->getInterfaceNames() : [], ...array_values(array_map(fn ($i) => $i->getInterfaceNames(), $class->getInterfaces())));
    $own = array_diff($class->getInterfaceNames(), $inherited);
    // The engine adds Stringable to classes with __toString.
    $own = array_diff($own, $class->hasMethod('__toString') ? ['Stringable'] : []);
    sort($own);
    $text .= $own ? ($class->isInterface() ? ' extends \\' : ' implements \\') . implode(', \\', $own) : '';
    $parts = [];
    if ($traits = $class->getTraitNames()) {
        $parts[] = '    use \\' . implode(', \\', $traits) . ";\n";
    }
    $constants = array_filter($class->getReflectionConstants(), fn ($c) => $c->getDeclaringClass()->name === $class->name && !$c->isPrivate());
    $lines = array_map(fn ($c) => $docs->comment("$class->name::$c->name", '    ', source: $c->getDocComment()) . '    ' . modifiers($c) . "const $c->name = " . value($c->getValue()) . ";\n", $constants);
    $lines && $parts[] = implode('', $lines);
    $from_traits = array_merge(...array_values(array_map(fn ($t) => [...array_column($t->getMethods(), 'name'), ...array_map(fn ($p) => "\$$p->name", $t->getProperties())], $class->getTraits())));
    $defaults = $class->getDefaultProperties();
    foreach ($class->getProperties() as $p) {
        if ($p->getDeclaringClass()->name !== $class->name || $p->isPrivate() || in_array("\$$p->name", $from_traits, true)) {
            continue;
        }
        // An untyped property without a default value is null.
        $default = isset($defaults[$p->name]) || ($p->hasType() && array_key_exists($p->name, $defaults) && $p->hasDefaultValue()) ? ' = ' . value($defaults[$p->name]) : '';
        $parts[] = $docs->comment("$class->name::\$$p->name", '    ', source: $p->getDocComment()) . '    ' . modifiers($p) . ltrim(type($p->getType()) . ' ') . "\$$p->name$default;\n";
    }
    foreach ($class->getMethods() as $m) {
        if ($m->getDeclaringClass()->name !== $class->name || $m->isPrivate() || in_array($m->name, $from_traits, true)) {
            continue;
        }
        $name = "$class->name::$m->name";
        $body = $m->isAbstract() ? ';' : ' {}';
        $by_reference = $m->returnsReference() ? '&' : '';
        $comment = $docs->comment($name, '    ', $more[$name] ?? '', $m->getDocComment());
        check_parameters($comment, $m, $name);
        $parts[] = $comment . '    ' . modifiers($m) . "function $by_reference$m->name(" . parameters($m) . ')' . result($m) . "$body\n";
    }
    return "$text\n{\n" . implode("\n", $parts) . "}\n";
}

/** A description names only parameters that there are. */
function check_parameters(string $comment, ReflectionFunctionAbstract $function, string $name): void
{
    preg_match_all('~@param\b.*? \$(\w+)~s', $comment, $found);
    $known = array_map(fn ($p) => $p->getName(), $function->getParameters());
    foreach (array_diff($found[1], $known) as $unknown) {
        throw new Exception("$name has no parameter \$$unknown");
    }
}

$files = [];
$docs = new Docs("$root/scripts/stubs-docs.txt");
$settings = "$root/docs/SETTINGS.md";
$server = settings($settings, 'Server', 'Port', 'Callbacks', 'HTTP', 'Log', 'Coroutines', 'Helpers');
$more = [
    'Swoole\Server::set' => "@param $server \$settings docs/SETTINGS.md describes them",
    'Swoole\Server\Port::set' => '@param ' . settings($settings, 'Port', 'Callbacks', 'HTTP') . ' $settings docs/SETTINGS.md describes them',
    'Swoole\Coroutine::set' => '@param ' . settings($settings, 'Coroutines', 'Log') . ' $options docs/SETTINGS.md describes them',
];

// Classes of the module, and those of the library, which are loaded by their names.
$extension = new ReflectionExtension('swoole');
$classes = $aliases = [];
preg_match_all('~"((?:Swoole\\\\\\\\|Swoosh\\\\\\\\|SwooleLibrary)[\w\\\\]*)"~', file_get_contents("$root/crates/swoosh-php/src/library/files.rs"), $found);
$library = array_filter(array_map(stripslashes(...), array_unique($found[1])), fn ($name) => !str_contains($name, '\\Internal\\'));
foreach ($library as $name) {
    class_exists($name) || interface_exists($name) || trait_exists($name) || throw new Exception("the library has no class $name");
    $classes[$name] = new ReflectionClass($name);
}
foreach ($extension->getClassNames() as $name) {
    $class = new ReflectionClass($name);
    $classes[$class->name] = $class;
}
foreach (array_merge(get_declared_classes(), get_declared_interfaces()) as $name) {
    $class = new ReflectionClass($name);
    if (isset($classes[$class->name]) && $class->name !== $name) {
        $aliases[$name] = $class->name;
    }
}
preg_match_all('~\("([^"]+)", "(Swoole[^"]+)"\)~', file_get_contents("$root/crates/swoosh-php/src/library/files.rs"), $found, PREG_SET_ORDER);
foreach ($found as [, $alias, $name]) {
    if (strtolower($alias) !== $alias || str_starts_with($alias, 'swoole_')) {
        $aliases[stripslashes($alias)] = stripslashes($name);
    }
}
$head = "<?php\n\n// Generated by scripts/stubs.php. For editors and static analysis: not to be loaded.\n";
ksort($classes);
foreach ($classes as $name => $class) {
    $namespace = $class->getNamespaceName();
    $files[str_replace('\\', '/', $name) . '.php'] = "$head\n" . ($namespace ? "namespace $namespace;\n\n" : '') . class_stub($class, $docs, $more);
}
// PHP keeps the names of aliases in lower case; this is their usual form.
$usual = [];
foreach ($aliases as $alias => $name) {
    $alias = preg_replace_callback('~^(co|swoole)(?=\\\\|$)|\\\\(\w)~', fn ($m) => ucwords($m[0], '\\'), $alias);
    $short = strrchr($name, '\\');
    $alias = str_ireplace([...array_filter([$short]), 'processmanager'], [...array_filter([$short]), 'ProcessManager'], $alias);
    $usual[$alias] ??= $name;
}
uksort($usual, strcasecmp(...));
$seen = [];
$lines = '';
foreach ($usual as $alias => $name) {
    if (!isset($seen[strtolower($alias)])) {
        $seen[strtolower($alias)] = true;
        $lines .= "class_alias(\\$name::class, '" . addcslashes($alias, '\\') . "');\n";
    }
}
$files['aliases.php'] = "$head\n$lines";

// Functions, by namespace.
$functions = [];
foreach ($extension->getFunctions() as $function) {
    if (!str_starts_with($function->name, 'Swoole\\Internal\\')) {
        $functions[$function->getNamespaceName()][$function->name] = $function;
    }
}
ksort($functions);
foreach ($functions as $namespace => $all) {
    ksort($all);
    $text = implode("\n", array_map(function (ReflectionFunction $f) use ($docs): string {
        $comment = $docs->comment("$f->name()");
        check_parameters($comment, $f, "$f->name()");
        return "{$comment}function {$f->getShortName()}(" . parameters($f) . ')' . result($f) . " {}\n";
    }, $all));
    $files[($namespace ? str_replace('\\', '/', $namespace) . '/' : '') . 'functions.php'] = "$head\n" . ($namespace ? "namespace $namespace;\n\n" : '') . $text;
}

$constants = array_map(fn ($name, $value) => $docs->comment($name) . "const $name = " . value($value) . ";\n", array_keys($extension->getConstants()), $extension->getConstants());
$files['constants.php'] = "$head\n" . implode('', $constants);

if ($unused = $docs->unused()) {
    throw new Exception('scripts/stubs-docs.txt describes what is not there: ' . implode(', ', $unused));
}

// Files of former classes go.
if (is_dir($target)) {
    foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($target, FilesystemIterator::SKIP_DOTS)) as $file) {
        $file->getExtension() === 'php' && unlink((string) $file);
    }
}
foreach ($files as $name => $text) {
    @mkdir(dirname("$target/$name"), 0755, true);
    file_put_contents("$target/$name", $text);
}
echo count($files), ' files, ', count($classes), ' classes, ', count($aliases), ' aliases, ', array_sum(array_map(count(...), $functions)), ' functions, ', count($constants), " constants\n";
