"""The layer check itself: what it must refuse, and what it must let pass."""
import importlib.machinery
import importlib.util
import pathlib

import pytest


def load():
    path = pathlib.Path(__file__).with_name("check-includes")
    loader = importlib.machinery.SourceFileLoader("check_includes", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_includes", loader))
    loader.exec_module(module)
    return module


CHECK = load()


@pytest.mark.parametrize("path, line", [
    ("common/net/a.cpp", '#include "common/model/link.hpp"'),            # an arrow to the right
    ("common/plan/a.cpp", '#include "common/desired/state.hpp"'),        # neighbours
    ("common/desired/a.cpp", '#include "common/kube/parse_json.hpp"'),   # a parser in a pure layer
    ("cni-plugin/a.cpp", '#include "node-agent/loop.hpp"'),
    ("node-agent/a.cpp", '#include "cni-plugin/add.hpp"'),
    ("node-agent/pods/a.cpp", '#include "node-agent/source/source.hpp"'),    # an arrow to the right
    ("node-agent/datapath/a.cpp", '#include "node-agent/source/source.hpp"'),  # neighbours
    ("node-agent/serve/a.cpp", '#include "node-agent/agent.hpp"'),           # rooms know no agent
    ("common/model/a.hpp", "#include <linux/rtnetlink.h>"),
    ("common/plan/a.cpp", "#include <nlohmann/json.hpp>"),
    ("common/plan/a.cpp", "#  include <chrono>"),
    ("common/kernel/a.cpp", "#include <libnftnl/rule.h>"),
    ("node-agent/a.cpp", "#include <netlink/route/link.h>"),
    ("common/kernel/a.cpp", '#include "netlink_socket.hpp"'),            # not from the root
    ("common/kernel/a.cpp", "    std::system(command);"),
    ("common/kernel/a.cpp", "    auto* pipe = popen(command, mode);"),
    ("node-agent/a.cpp", "    std::this_thread::sleep_for(delay);"),
    ("node-agent/a.cpp", "    usleep(10);"),
    ("tests/unit/a.cpp", "    sleep(1);"),
    ("node-agent/a.cpp", "    for (const auto& x : TRY(observe(scope)).sysctls) {"),
])
def test_refuses(path, line):
    assert len(list(CHECK.problems_in_source(path, line))) == 1


@pytest.mark.parametrize("path, line", [
    ("common/plan/a.cpp", '#include "common/model/link.hpp"'),
    ("common/desired/a.cpp", '#include "common/kube/objects.hpp"'),
    ("common/netlink/a.cpp", "#include <libmnl/libmnl.h>"),
    ("common/model/a.cpp", "#include <algorithm>"),
    ("node-agent/a.cpp", '#include "common/kernel/kernel.hpp"'),
    ("node-agent/a.cpp", '#include "node-agent/report/reporter.hpp"'),
    ("node-agent/serve/a.cpp", '#include "node-agent/datapath/keeper.hpp"'),
    ("node-agent/loop/a.cpp", '#include "common/base/error.hpp"'),
    ("node-agent/a.cpp", "    // never sleep() here"),
    ("node-agent/a.cpp", "    source.system(name);"),
    ("node-agent/a.cpp", "    file_system(name);"),
    ("node-agent/a.cpp", "    for (const auto& x : pods_.at(key).addresses) {"),
    ("node-agent/a.cpp", "    for (const auto& x : state.tables.front().chains) {"),
    ("node-agent/a.cpp", "    for (const auto& x : Messages(all->messages().bytes())) {"),
    ("node-agent/a.cpp", "    for (const auto& x : all) use(x.first().second);"),
    ("tests/unit/a.cpp", '#include "tests/support/temporary.hpp"'),
])
def test_lets_pass(path, line):
    assert list(CHECK.problems_in_source(path, line)) == []


def test_python_must_not_sleep():
    name = "sleep"  # apart from its module: this file is checked too
    call = f"time.{name}(1)"
    assert list(CHECK.problems_in_python("tests/a.py", f"    {call}"))
    assert list(CHECK.problems_in_python("tests/a.py", f"from time import monotonic, {name}"))
    assert not list(CHECK.problems_in_python("tests/a.py", f"    x = 1  # no {call} here"))


def test_python_finds_others_by_the_package_alone():
    name = "path"  # apart from its module: this file is checked too
    assert list(CHECK.problems_in_python("tests/a/conftest.py", f"sys.{name} += [str(TESTS)]"))
    assert not list(CHECK.problems_in_python("tests/a/conftest.py", "from support import netns"))


def test_a_folder_that_is_no_layer_is_a_problem(tmp_path):
    (tmp_path / "common/new").mkdir(parents=True)
    (tmp_path / "common/new/a.cpp").write_text("int x;\n")
    problems, count = CHECK.check_tree(tmp_path)
    assert count == 1
    assert "common/new/a.cpp" in problems[0]
