<?php
// The code that the workers of reload.php load. Change the text while the server runs.
class Greeter
{
    public static function greet(string $name): string
    {
        return "Good morning, $name";
    }
}
