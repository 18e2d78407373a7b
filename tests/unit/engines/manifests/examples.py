"""Manifests and lock files written by hand, and what each of them names."""

from __future__ import annotations

from dataclasses import dataclass

#: Name, version, group, and whether one can do without.
Row = tuple[str, str | None, str | None, bool]


@dataclass(frozen=True)
class Example:
    """One file."""

    name: str
    ecosystem: str
    text: str
    rows: list[Row]


EXAMPLES = [
    Example(
        "requirements-dev.txt",
        "pypi",
        """# tools
-r base.txt
--index-url https://x.example
Celery[redis]>=5.7,<6 # queue
ruff==0.1 \\
    --hash=sha256:ab
pkg @ https://x.example/p.zip
-e git+https://x.example/r.git#egg=own
old; python_version < '3'
""",
        [
            ("Celery", ">=5.7,<6", None, False),
            ("ruff", "==0.1", None, False),
            ("pkg", "https://x.example/p.zip", None, False),
            ("own", None, None, False),
            ("old", None, None, False),
        ],
    ),
    Example(
        "pyproject.toml",
        "pypi",
        """[project]
dependencies = ["a>=1", "b"]
[project.optional-dependencies]
x = ["c~=2.0"]
[dependency-groups]
test = ["d", {include-group = "x"}]
[build-system]
requires = ["setuptools"]
""",
        [
            ("a", ">=1", None, False),
            ("b", None, None, False),
            ("c", "~=2.0", "x", True),
            ("d", None, "test", False),
        ],
    ),
    Example(
        "my_pyproject.toml",
        "pypi",
        """[tool.poetry.dependencies]
python = "^3.11"
a = "^1"
b = {version = "2", optional = true}
[tool.poetry.group.dev.dependencies]
c = "*"
""",
        [("a", "^1", None, False), ("b", "2", None, True), ("c", None, "dev", False)],
    ),
    Example(
        "poetry.lock",
        "pypi",
        """[[package]]
name = "a"
version = "1.0"
optional = false
groups = ["dev"]
[[package]]
name = "b"
version = "2"
groups = ["main", "dev"]
""",
        [("a", "1.0", "dev", False), ("b", "2", None, False)],
    ),
    Example(
        "uv.lock",
        "pypi",
        """version = 1
[[package]]
name = "own"
version = "0"
source = { virtual = "." }
[[package]]
name = "a"
version = "1.0"
""",
        [("a", "1.0", None, False)],
    ),
    Example(
        "Pipfile",
        "pypi",
        """[packages]
a = "*"
b = {version = "==1"}
[dev-packages]
c = "~=2"
""",
        [
            ("a", None, None, False),
            ("b", "==1", None, False),
            ("c", "~=2", "dev", False),
        ],
    ),
    Example(
        "Pipfile.lock",
        "pypi",
        """{
  "_meta": {},
  "default": {
    "a": {
      "version": "==1"
    }
  },
  "develop": {}
}
""",
        [("a", "==1", None, False)],
    ),
    Example(
        "setup.cfg",
        "pypi",
        """[options]
install_requires =
    a>=1
    b
[options.extras_require]
docs = sphinx
""",
        [
            ("a", ">=1", None, False),
            ("b", None, None, False),
            ("sphinx", None, "docs", True),
        ],
    ),
    Example(
        "app_package.json",
        "npm",
        """{
  "name": "x",
  "dependencies": {
    "@a/b": "^1"
  },
  "devDependencies": {
    "c": "2"
  },
  "optionalDependencies": {
    "d": "3"
  },
  "peerDependencies": {
    "e": ">=4"
  }
}
""",
        [
            ("@a/b", "^1", None, False),
            ("c", "2", "dev", False),
            ("e", ">=4", "peer", False),
            ("d", "3", None, True),
        ],
    ),
    Example(
        "package-lock.json",
        "npm",
        """{
  "lockfileVersion": 3,
  "packages": {
    "": {
      "name": "own"
    },
    "node_modules/a": {
      "version": "1",
      "dev": true
    },
    "node_modules/a/node_modules/@b/c": {
      "version": "2"
    },
    "node_modules/own": {
      "link": true
    }
  }
}
""",
        [("a", "1", "dev", False), ("@b/c", "2", None, False)],
    ),
    Example(
        "package-lock.json",
        "npm",
        """{
  "lockfileVersion": 1,
  "dependencies": {
    "a": {
      "version": "1",
      "dependencies": {
        "b": {
          "version": "2",
          "optional": true
        }
      }
    }
  }
}
""",
        [("a", "1", None, False), ("b", "2", None, True)],
    ),
    Example(
        "yarn.lock",
        "npm",
        """# yarn lockfile v1

"@a/b@^1.0", "@a/b@~1.1":
  version "1.1.0"
  resolved "https://x.example"
  dependencies:
    c "^2"

c@^2:
  version "2.0.1"
""",
        [("@a/b", "1.1.0", None, False), ("c", "2.0.1", None, False)],
    ),
    Example(
        "yarn.lock",
        "npm",
        """__metadata:
  version: 8

"a@npm:^1":
  version: 1.2.3
  resolution: "a"

"own@workspace:.":
  version: 0.0.0-use.local
""",
        [("a", "1.2.3", None, False)],
    ),
    Example(
        "pnpm-lock.yaml",
        "npm",
        """lockfileVersion: '9.0'

importers:
  .:
    dependencies:
      a:
        version: 1.0.0

packages:

  '@b/c@2.0.0':
    resolution: {}

  a@1.0.0:
    resolution: {}

snapshots:

  a@1.0.0: {}
""",
        [("@b/c", "2.0.0", None, False), ("a", "1.0.0", None, False)],
    ),
    Example(
        "pnpm-lock.yaml",
        "npm",
        """lockfileVersion: 5.4
packages:
  /@b/c/2.0.0:
    dev: true
  /a/1.0.0_b@2:
    dev: false
""",
        [("@b/c", "2.0.0", None, False), ("a", "1.0.0", None, False)],
    ),
    Example(
        "Cargo.toml",
        "cargo",
        """[package]
name = "x"
[dependencies]
serde = { version = "1", optional = true }
own = { path = "../own" }
ren = { package = "real", version = "2" }
[dev-dependencies]
a = "3"
[target.'cfg(unix)'.dependencies]
nix = "0.2"
""",
        [
            ("serde", "1", None, True),
            ("own", "../own", None, False),
            ("real", "2", None, False),
            ("a", "3", "dev", False),
            ("nix", "0.2", None, False),
        ],
    ),
    Example(
        "Cargo.lock",
        "cargo",
        """version = 4
[[package]]
name = "own"
version = "0.1.0"
[[package]]
name = "a"
version = "1.0.0"
source = "registry"
""",
        [("a", "1.0.0", None, False)],
    ),
    Example(
        "go.mod",
        "go",
        """module x.example/m

go 1.22

require x.example/one v1.0.0

require (
\tx.example/two/v2 v2.1.0-rc1 // indirect
)

replace a => b v1
""",
        [
            ("x.example/one", "v1.0.0", None, False),
            ("x.example/two/v2", "v2.1.0-rc1", "indirect", False),
        ],
    ),
    Example(
        "go.sum",
        "go",
        """x.example/a v1.0.0 h1:abc=
x.example/a v1.0.0/go.mod h1:def=
""",
        [("x.example/a", "v1.0.0", None, False)],
    ),
    Example(
        "pom.xml",
        "maven",
        """<project xmlns="http://maven.apache.org/POM/4.0.0">
<properties>
<v>1.2</v>
<loop>${loop}x</loop>
</properties>
<dependencyManagement>
<dependencies>
<dependency>
<groupId>g</groupId>
<artifactId>b</artifactId>
<version>9</version>
</dependency>
</dependencies>
</dependencyManagement>
<dependencies>
<dependency>
<groupId>g</groupId>
<artifactId>a</artifactId>
<version>${v}</version>
</dependency>
<dependency>
<groupId>g</groupId>
<artifactId>b</artifactId>
<scope>test</scope>
</dependency>
</dependencies>
</project>
""",
        [("g:a", "1.2", None, False), ("g:b", "9", "test", False)],
    ),
    Example(
        "build.gradle.kts",
        "maven",
        """dependencies {
  implementation("g:a:1.0")
  testImplementation 'g:b:2'
  implementation(platform("g:bom:3"))
}
""",
        [
            ("g:a", "1.0", None, False),
            ("g:b", "2", "test", False),
            ("g:bom", "3", None, False),
        ],
    ),
    Example(
        "Gemfile",
        "rubygems",
        """source 'https://x.example'
gem 'rails', '~> 7.0', '>= 7.0.1'
group :development, :test do
  gem "rspec"
end
gem 'a', group: :test
""",
        [
            ("rails", "~> 7.0, >= 7.0.1", None, False),
            ("rspec", None, "dev", False),
            ("a", None, "test", False),
        ],
    ),
    Example(
        "Gemfile.lock",
        "rubygems",
        """GEM
  remote: x
  specs:
    rails (7.0.1)
      rack (>= 2)
    rack (2.2)

DEPENDENCIES
  rails
""",
        [("rails", "7.0.1", None, False), ("rack", "2.2", None, False)],
    ),
    Example(
        "composer.json",
        "packagist",
        """{
  "require": {
    "php": ">=8",
    "ext-json": "*",
    "a/b": "^1"
  },
  "require-dev": {
    "c/d": "2"
  }
}
""",
        [("a/b", "^1", None, False), ("c/d", "2", "dev", False)],
    ),
    Example(
        "composer.lock",
        "packagist",
        """{
  "packages": [
    {
      "name": "a/b",
      "version": "1.0"
    }
  ],
  "packages-dev": []
}
""",
        [("a/b", "1.0", None, False)],
    ),
]
