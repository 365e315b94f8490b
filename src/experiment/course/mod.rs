//! What a course needs of experiments: claims that texts make of ZooKeeper, each with the runs that decide it.

pub mod claims;
