-- How far persons have come with employers; sealed. It changes with the version of the person.
ALTER TABLE subjects ADD COLUMN progress BLOB;
