package integration

import "testing"

// Flask and PHP behind one port: pages of both, the files of both, and PHP that is away.
func TestExamplePHPBesidePython(t *testing.T) {
	t.Parallel()
	fpm, sock, _ := phpFPM(t)
	s := startExample(t, example(t, "php-beside-python"), opts{Env: []string{"PHP_FPM=fastcgi+unix:" + sock}})
	if page := s.want(200, "/").Body; !holds(page, "Python's", `href="/blog/"`) {
		t.Error(page)
	}
	s.styled(s.want(200, "/").Body)
	page := s.want(200, "/blog/").Body
	if !holds(page, `<a href="/blog/pumps">`, "A valve for each house") {
		t.Error(page)
	}
	s.styled(page)
	if page := s.want(200, "/blog/pumps?x=1").Body; !holds(page, "<h1>How the pumps came to the city</h1>") {
		t.Error(page)
	}
	s.want(404, "/blog/nothing")
	s.want(404, "/blog/.htaccess")
	fpm.end(15)
	s.want(502, "/blog/")
	s.want(200, "/")
}
