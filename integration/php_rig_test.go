package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// phpFPM is a real PHP-FPM at a unix socket and at a port.
func phpFPM(t testing.TB) (n *neighbour, sock, port string) {
	t.Helper()
	path := ""
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if list, _ := filepath.Glob(filepath.Join(dir, "php-fpm*")); len(list) > 0 {
			path = list[len(list)-1]
		}
	}
	if path == "" {
		path = program(t, "php-fpm")
	}
	dir := workDir(t)
	sock, port = filepath.Join(socketDir(t), "p"), "127.0.0.1:"+freePort(t)
	pool := `
[%s]
listen = %s
pm = static
pm.max_children = %d
catch_workers_output = yes
php_admin_value[post_max_size] = 64M
php_admin_value[upload_max_filesize] = 64M
php_admin_flag[log_errors] = on
php_admin_flag[display_errors] = off
php_admin_value[error_log] =
php_admin_value[upload_tmp_dir] = %s
`
	if os.Getuid() == 0 {
		pool += "user = root\ngroup = root\n"
	}
	text := "[global]\nerror_log = /dev/stderr\ndaemonize = no\nprocess_control_timeout = 5s\n" + fmt.Sprintf(pool, "a", sock, 2, dir) + fmt.Sprintf(pool, "b", port, 4, dir)
	write(t, dir, map[string]string{"fpm.conf": text})
	n = runNeighbour(t, sock, dir, nil, path, "-R", "-n", "-F", "-y", filepath.Join(dir, "fpm.conf"))
	(&neighbour{Addr: port, t: t, log: n.log, done: n.done}).waitUp()
	return n, sock, port
}

// phpSite is laid out as a WordPress is: a front controller, a folder with scripts of its own, uploads, and files that
// nobody may see.
var phpSite = map[string]string{
	"index.php": `<?php header("X-Script: front"); echo "front ", $_SERVER["REQUEST_URI"], " ", $_SERVER["SCRIPT_NAME"], " [", $_SERVER["PATH_INFO"] ?? "", "] ", $_GET["p"] ?? "-";`,
	"env.php": `<?php header("Content-Type: application/json");
		echo json_encode(array_intersect_key($_SERVER, array_flip(["SCRIPT_FILENAME", "SCRIPT_NAME", "PATH_INFO", "PATH_TRANSLATED", "DOCUMENT_ROOT", "REDIRECT_STATUS", "REQUEST_URI",
		"QUERY_STRING", "HTTPS", "SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "HTTP_PROXY", "HTTP_X_A", "APP_ENV", "PHP_VALUE", "GATEWAY_INTERFACE", "HTTP_X_REQUEST_ID", "PHP_SELF"])), JSON_UNESCAPED_SLASHES);`,
	"form.php":              `<?php if ($_SERVER["REQUEST_METHOD"] === "POST") { header("Location: /done?name=" . urlencode($_POST["name"]), true, 303); exit; } echo "<form>";`,
	"upload.php":            `<?php $f = $_FILES["f"]; echo $f["error"], " ", $f["size"], " ", md5_file($f["tmp_name"]);`,
	"raw.php":               `<?php $n = 0; $in = fopen("php://input", "r"); while (!feof($in)) $n += strlen(fread($in, 65536)); echo $n;`,
	"stream.php":            `<?php header("X-Accel-Buffering: no"); for ($i = 0; $i < 3; $i++) { echo "part $i\n"; flush(); while (!file_exists(__DIR__ . "/go$i")) { usleep(2000); clearstatcache(); } }`,
	"big.php":               `<?php $s = str_repeat("0123456789abcdef", 4096); for ($i = 0; $i < 160; $i++) echo $s;`,
	"errors.php":            `<?php error_log("a line\nof \x01 two"); echo $nothing; echo "ok";`,
	"throws.php":            `<?php function f() { throw new Exception("boom"); } f();`,
	"pid.php":               `<?php echo getmypid();`,
	"status.php":            `<?php http_response_code(intval($_GET["s"])); echo "body";`,
	"moved.php":             `<?php header("Location: /env.php");`,
	"slow.php":              `<?php usleep(20000); echo "slow";`,
	"wp-admin/index.php":    `<?php echo "admin ", $_SERVER["SCRIPT_NAME"];`,
	"wp-admin/admin.css":    "css",
	"empty/x.txt":           "x",
	"pages/index.html":      "<p>html",
	"uploads/a.jpg":         `jpeg <?php echo "executed"; ?>`,
	"uploads/b.txt":         "text",
	"uploads/dir.php/c.txt": "below a folder",
	".htaccess":             "deny",
	".env":                  "SECRET=1",
	".git/config":           "git",
	"wp-config.php":         `<?php $secret = 1; echo "config";`,
	"wp-config.php.bak":     `<?php $secret = 1;`,
	"wp-config.php~":        `<?php $secret = 1;`,
	"old.PHP":               `<?php $secret = 1;`,
	".hidden/x.php":         `<?php echo "hidden";`,
	"../outside/x.php":      `<?php echo "outside";`,
	"../outside/x.txt":      "outside",
}

// phpFolder makes the site and returns its root.
func phpFolder(t testing.TB) string {
	t.Helper()
	root := filepath.Join(project(t, nil), "www")
	write(t, root, phpSite)
	for _, name := range []string{"x.php", "x.txt"} {
		if err := os.Symlink(filepath.Join(root, "..", "outside", name), filepath.Join(root, "link-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("env.php", filepath.Join(root, "inside.php")); err != nil {
		t.Fatal(err)
	}
	return root
}
