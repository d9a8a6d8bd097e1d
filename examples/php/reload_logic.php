<?php
// What reload.php loads in its workers. Change the text while the server runs.
class Greeter
{
    public static function greet(string $name): string
    {
        return "Good morning, $name";
    }
}
