.load ./perdure_sqlite
.echo on
CREATE VIRTUAL TABLE people USING perdure('people.pkv',
  id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE UNIQUE, born INT,
  INDEX by_year(born));
INSERT INTO people(name, born) VALUES ('Ada', 1815), ('Grace', 1906), ('Alan', 1912);
SELECT name FROM people WHERE born BETWEEN 1900 AND 1910;
INSERT OR IGNORE INTO people(name) VALUES ('ADA');
BEGIN;
DELETE FROM people WHERE name = 'alan';
SAVEPOINT before;
UPDATE people SET born = 0;
ROLLBACK TO before;
COMMIT;
SELECT * FROM people ORDER BY born DESC;
EXPLAIN QUERY PLAN SELECT * FROM people WHERE born > 1900 ORDER BY born;
SELECT sql FROM perdure_dump;
