<?php
$posts = ["pumps" => "How the pumps came to the city", "valves" => "A valve for each house"];
$slug = trim(substr(strtok($_SERVER["REQUEST_URI"], "?"), strlen(dirname($_SERVER["SCRIPT_NAME"]))), "/");
if ($slug !== "" && !isset($posts[$slug])) {
    http_response_code(404);
}
?>
<!doctype html>
<title>Blog</title>
<link rel="stylesheet" href="/blog/blog.css">
<?php if ($slug === ""): ?>
<h1>Blog</h1>
<ul>
<?php foreach ($posts as $name => $title): ?>
<li><a href="/blog/<?= htmlspecialchars($name) ?>"><?= htmlspecialchars($title) ?></a>
<?php endforeach ?>
</ul>
<?php else: ?>
<h1><?= htmlspecialchars($posts[$slug] ?? "There is no such post") ?></h1>
<?php endif ?>
<p><a href="/">Home</a>
