package wsgi

const nonBlocking = 0
