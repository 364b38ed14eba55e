package bridge

const nonBlocking = 0
