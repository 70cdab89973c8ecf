//! Rule files, recording and alerting rules, rule unit tests.
